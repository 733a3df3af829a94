# websocket_echo.py: a WebSocket server that says everything back, in the sub-protocol "echo" if
# that is spoken; "bye" is answered with a close. Says "at PORT".
import asyncio

import websockets


async def echo(socket):
    async for message in socket:
        if message == "bye":
            await socket.close(4001, "as you wish")
        else:
            await socket.send(f"{socket.subprotocol}: {message}")


async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, subprotocols=["echo"]) as server:
        print("at", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
