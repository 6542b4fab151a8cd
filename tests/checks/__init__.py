"""What declared checks come to, and what speaks for enforcing them."""
