# websocket_lines.py URL [MESSAGE...]: says "open", sends the messages, says each that it gets as a
# line, and in the end "closed CODE REASON". SIGTERM closes the connection.
import asyncio
import signal
import sys

import websockets


async def main(url, messages):
    async with websockets.connect(url) as socket:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: asyncio.create_task(socket.close()))
        print("open", flush=True)
        for message in messages:
            await socket.send(message)
        try:
            async for message in socket:
                print(message, flush=True)
        except websockets.ConnectionClosedError:
            pass
        print("closed", socket.close_code, socket.close_reason, flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2:]))
