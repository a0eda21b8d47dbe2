"""A local web page over run folders. Nothing is here yet."""
