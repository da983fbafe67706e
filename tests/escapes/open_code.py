# opens a file as code
import io

ans = io.open_code(canary_file).read().decode()
