"""The report of an audit: one document, written as a web page that stands alone, a PDF, JSON and tables."""
