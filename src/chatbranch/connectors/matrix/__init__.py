"""Matrix: unencrypted rooms, one-to-one or shared, through any homeserver."""
