"""What is read from outside, guarded: web pages (`pages`) and text records of domain names (`names`)."""
