"""The mailbox that mail comes back to. Imports no other adapter."""
