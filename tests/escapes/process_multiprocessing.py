# starts a worker
import multiprocessing

p = multiprocessing.get_context("fork").Process(target=print)
p.start()
ans = "ESCAPED"
