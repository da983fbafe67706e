# starts threads without end
import _thread, time

made = 0
while made < 1000:
    try:
        _thread.start_new_thread(time.sleep, (1,))
        made += 1
    except RuntimeError:
        break
ans = f"ESCAPED {made}" if made else "none"
