"""What every connector keeps, whatever it speaks; and each connector against its real counterpart."""
