"""Changes eyes as cameras, light, glasses and hands do, for the training of the eye net. Painted labels stay right."""
