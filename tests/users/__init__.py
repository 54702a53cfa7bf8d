"""What people do with the product, as a real browser and a real command line show it: one file per kind of user."""
