# starts a pool
from concurrent.futures import ProcessPoolExecutor

with ProcessPoolExecutor(1) as pool:
    ans = "ESCAPED" + str(pool.submit(abs, -1).result(0.3))
