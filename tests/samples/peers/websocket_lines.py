# websocket_lines.py [--protocol NAME] URL [MESSAGE...]: says "open", sends the messages, says each that it gets as a
# line, and in the end "closed CODE REASON". SIGTERM closes the connection.
import argparse
import asyncio
import signal

import websockets


async def main(url, messages, protocol):
    async with websockets.connect(url, subprotocols=protocol and [protocol]) as socket:
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


parser = argparse.ArgumentParser()
parser.add_argument("--protocol")
parser.add_argument("url")
parser.add_argument("messages", nargs="*")
asyncio.run(main(**vars(parser.parse_args())))
