"""Pictures of synthetic people: what is drawn by chance, the renderer and the camera.

They may import `tools.synthetic.people`.
"""
