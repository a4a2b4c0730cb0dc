"""What several programs of the images share; copied into each image that needs it."""
