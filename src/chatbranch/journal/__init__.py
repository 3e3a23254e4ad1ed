"""What happened, in order: event rows written with the change itself."""
