"""The office: Flask, the services and the stations of a document's way. Imports nothing."""
