"""Finders of faces in a whole picture: our net, dlib's HOG, and a YuNet file of the user.

It may import `perception.face.landmarks`, `nets`, `imaging`, `data` and `errors`. `perception.face` and `app` use it.
"""
