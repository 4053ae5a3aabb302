"""Gradescope: an archive that grades one unit there (`archive`), and what runs in its container (`run`)."""
