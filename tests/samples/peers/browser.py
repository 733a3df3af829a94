# A headless Chromium, driven by its own DevTools protocol.
import asyncio
import json
import shutil
import tempfile

import websockets

# Gives what EXPRESSION is, as soon as it is something: looked at whenever the page changes.
UNTIL = """new Promise((resolve) => {
  const look = () => {
    const value = (EXPRESSION);
    if (value) { observer.disconnect(); resolve(value); }
  };
  const observer = new MutationObserver(look);
  observer.observe(document, {subtree: true, childList: true, characterData: true});
  look();
})"""


class Browser:
    """async with Browser() as browser: page = await browser.open(url)"""

    async def __aenter__(self):
        self.folder = tempfile.mkdtemp()
        self.process = await asyncio.create_subprocess_exec(
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-extensions", "--remote-debugging-port=0",
            f"--user-data-dir={self.folder}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        said = b""
        while b"DevTools listening on " not in (line := await self.process.stderr.readline()):
            said += line
            if not line:
                raise RuntimeError(f"chromium does not start: {said.decode()}")
        self.reader = asyncio.create_task(self.process.stderr.read())  # else it would wait for us
        self.socket = await websockets.connect(line.split()[-1].decode(), max_size=None)
        self.last_call = 0
        self.calls = {}
        self.pages = {}
        self.listener = asyncio.create_task(self.listen())
        return self

    async def __aexit__(self, *_):
        try:
            await self.call("Browser.close")
        finally:
            self.listener.cancel()
            await self.socket.close()
            await self.process.wait()
            await self.reader
            shutil.rmtree(self.folder, ignore_errors=True)

    async def listen(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.calls.pop(message["id"]).set_result(message)
            elif message["method"] == "Page.loadEventFired":
                self.pages[message["sessionId"]].loaded.set()

    async def call(self, method, session=None, **params):
        self.last_call += 1
        command = {"id": self.last_call, "method": method, "params": params}
        if session:
            command["sessionId"] = session
        future = self.calls[self.last_call] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps(command))
        try:
            answer = await asyncio.wait_for(future, 60)
        except asyncio.TimeoutError:
            raise RuntimeError(f"{method} {params}: no answer") from None
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def open(self, url):
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        self.pages[page.session] = page
        await page.call("Page.enable")
        await page.call("Emulation.setFocusEmulationEnabled", enabled=True)  # it is not the only one
        await page.go(url)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session
        self.loaded = asyncio.Event()

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    async def go(self, url):
        self.loaded.clear()
        await self.call("Page.navigate", url=url)
        await self.loaded.wait()

    async def evaluate(self, expression):
        """The value of a JavaScript expression; of a promise, what it is resolved with."""
        answer = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True,
                                 returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, expression):
        return await self.evaluate(UNTIL.replace("EXPRESSION", expression))

    async def type(self, selector, text):
        """Into a field."""
        await self.evaluate(f"document.querySelector('{selector}').focus()")
        await self.call("Input.insertText", text=text)

    async def press_enter(self):
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    async def enter_leads_on(self):
        """The same, and waits for the page that it leads to."""
        self.loaded.clear()
        await self.press_enter()
        await self.loaded.wait()
