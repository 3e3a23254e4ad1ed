"""E-mail: sends, and reads a mailbox where one is named."""
