# browse_lessons.py WEBSOCKET-URL CHAT-URL: lessons 32 and 33, as a browser sees them.
import asyncio
import json
import re
import sys

from browser import Browser


async def look_at_websocket(browser, url):
    page = await browser.open(url)
    assert await page.until("conn_status.textContent === 'Connected'")
    texts = await page.until(
        "placeholder.children.length >= 3 && [...placeholder.children].map((p) => p.textContent)")
    data = [json.loads(text) for text in texts]
    assert [point["x"] for point in data] == list(range(len(data))), texts
    assert all(1 <= point["y"] <= 5 for point in data), texts


MESSAGES = "[...document.querySelectorAll('#messages li')].map((li) => li.textContent)"


async def enter(browser, url, name):
    page = await browser.open(url)
    assert await page.evaluate("[...room.options].map((o) => o.value)") == ["topic1", "topic2"]
    await page.type("#uid", name)
    await page.enter_leads_on()
    assert re.search(r"/topic1/[^/]+$", await page.evaluate("location.pathname"))
    return page


async def say(page, text):
    await page.type("#message", text)
    await page.press_enter()


async def look_at_chat(browser, url):
    ann = await enter(browser, url, "ann")
    bob = await enter(browser, url, "b<o>b & co")
    await say(ann, "hello there")
    for page in (ann, bob):
        assert await page.until(f"{MESSAGES}.length === 1 && {MESSAGES}") == ["ann:hello there"]
    await say(bob, "<b>not bold</b> {uid}")
    heard = await ann.until(f"{MESSAGES}.length === 2 && {MESSAGES}")
    assert heard == ["ann:hello there", "b<o>b & co:<b>not bold</b> {uid}"], heard
    # Who comes later sees what was said.
    eve = await enter(browser, url, "eve")
    assert await eve.evaluate(MESSAGES) == heard
    assert await eve.evaluate("document.querySelector('b, o')") is None


async def main(websocket_url, chat_url):
    async with Browser() as browser:
        await look_at_websocket(browser, websocket_url)
        await look_at_chat(browser, chat_url)


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 120))
