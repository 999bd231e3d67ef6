"""A kit to render small data sets with exact labels: scenes, their cast, and the files they are kept in."""
