"""What the console's and the portal's pages are made of."""
