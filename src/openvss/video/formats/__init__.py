"""What a run can write: one file per format; `catalogue` lists them."""
