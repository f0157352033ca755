"""Source formats: one file per format, found in `data.sources.catalogue`."""
