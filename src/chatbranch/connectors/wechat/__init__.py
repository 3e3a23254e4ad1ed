"""WeChat Official Accounts: readers write to the account one to one; groups cannot be reached (doc.md says why)."""
