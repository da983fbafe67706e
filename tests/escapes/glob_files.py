# searches for files with pathlib
import pathlib

ans = [p.read_text() for p in pathlib.Path(canary_folder).rglob("*") if p.is_file()]
