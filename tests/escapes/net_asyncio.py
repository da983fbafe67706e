# connects from an event loop
import asyncio


async def go():
    await asyncio.open_connection("127.0.0.1", port)
    return "ESCAPED"


ans = asyncio.run(go())
