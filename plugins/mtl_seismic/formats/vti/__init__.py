"""VTK's image data in XML (``.vti``), for ParaView."""
