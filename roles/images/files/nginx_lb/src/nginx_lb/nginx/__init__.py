"""nginx: its configuration, its process, its generations, and how a site is published."""
