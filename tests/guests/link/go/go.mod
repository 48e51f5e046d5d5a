module guests.example/link

go 1.24
