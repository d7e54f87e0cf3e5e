"""The office: Flask, the services and the stations of a document's way.

Imports nothing of its own; the indexer only because it says how numpy is to sort, which must be
said before anything loads numpy.
"""

import indexer as indexer
