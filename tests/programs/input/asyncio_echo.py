"""An asyncio server and fifty clients in one process, and processes and threads beside it."""
import asyncio
import concurrent.futures
import multiprocessing


def square(n):
    return n * n


async def handle(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def client(path, n):
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"client %d\n" % n)
    answer = await reader.readline()
    writer.close()
    return answer.decode().strip()


async def main():
    server = await asyncio.start_unix_server(handle, "/tmp/echo.sock")
    async with server:
        answers = await asyncio.gather(*(client("/tmp/echo.sock", n) for n in range(50)))
    print(answers[0], answers[49], len(answers))
    process = await asyncio.create_subprocess_exec("sh", "-c", "echo child; exit 3", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    print(out, process.returncode)


if __name__ == "__main__":
    asyncio.run(main())
    with multiprocessing.Pool(3) as pool:
        print(sum(pool.map(square, range(100))))
    queue = multiprocessing.get_context("spawn").Queue()
    queue.put([1, 2, 3])
    print(queue.get())
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        print(sum(threads.map(square, range(100))))
