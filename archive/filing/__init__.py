"""Filing: signed papers and imported ones become items in yearly volumes, at a place."""
