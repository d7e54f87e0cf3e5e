"""Several papers asked for at once (借阅单): the basket, the note, its approval and hand-out."""
