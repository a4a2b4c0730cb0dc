"""Decides whether to believe that instances are gone, and keeps what is served."""
