"""Finds faces in a whole picture with one of three detectors: our net, dlib's HOG, or a YuNet file of the user.

It may import `perception.face.landmarks`, `nets`, `imaging`, `data` and `errors`. `face`, `app` and tools use it.
"""
