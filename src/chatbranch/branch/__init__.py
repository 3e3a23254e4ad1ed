"""The association: its members, outlets, blocs, declared interests and invitations."""
