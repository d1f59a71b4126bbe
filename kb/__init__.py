"""The knowledge base: articles cut, encoded, searched, and a calibrated confidence in what was found. No SQL."""
