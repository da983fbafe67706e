# waits in the kernel
import select

select.select([], [], [], 1000)
