# writes a pickle
import pickle

pickle.dump(1, open(drop + "/escaped", "wb"))
ans = "ESCAPED"
