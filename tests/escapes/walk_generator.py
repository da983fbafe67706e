# reaches frames through a generator
g = (g.gi_frame.f_back.f_back for _ in [1])
ans = repr([f.f_locals for f in g])[:5000]
