# loads a pickle that runs a command
import pickle, os


class Run:
    def __reduce__(self):
        return os.system, (f"echo x > {drop}/escaped",)


ans = "ESCAPED" if pickle.loads(pickle.dumps(Run())) == 0 else "refused"
