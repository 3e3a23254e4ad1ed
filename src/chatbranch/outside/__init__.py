"""What is read from outside, guarded: web pages (`pages`, behind `guard`) and text records of domain names (`names`)."""
