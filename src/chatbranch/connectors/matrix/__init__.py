"""Matrix: rooms, one-to-one or shared, encrypted or not, through any homeserver."""
