"""Archives from elsewhere, read without trusting them; and what ``npm pack`` makes of a package."""
