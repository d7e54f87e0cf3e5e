"""What an item's description was before: kept, shown, compared, and put together as of a day."""
