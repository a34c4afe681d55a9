"""Who is notified next, and after how much silence. Imports deadlines and roles."""
