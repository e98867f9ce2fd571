module lifesign.dev/lifesign

go 1.24
