"""The outer Docker Engine, and the images that the lab builds, pulls and pushes."""
